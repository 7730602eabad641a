// A field for a note, which is kept when it is left.

// `keep` is called with the note. The field stands before `next`.
function makeNote(parent, keep, next) {
  const box = element("div", "note");
  parent.insertBefore(box, next);
  const field = element("textarea", "", box);
  field.rows = 1;
  field.placeholder = "Note";
  const said = element("p", "", box);
  said.setAttribute("role", "status");
  // `text` is the note that the server has, `shown` is that as the field has it, and `sent` what was sent last.
  const note = { field, said, limit: 0, text: null, shown: "", sent: null };
  field.oninput = () => {
    const length = [...field.value.trim()].length;
    const over = length > note.limit;
    field.setAttribute("aria-invalid", String(over));
    said.textContent = over ? `A note may have ${note.limit} characters, this one has ${length}: it isn’t kept.` : "";
  };
  field.onchange = () => {
    const now = field.value.trim();
    if ([...now].length > note.limit) return;
    field.value = note.sent = now;
    keep(now);
  };
  // What is written is no shortcut of the dashboard's.
  field.onkeydown = (event) => event.stopPropagation();
  return note;
}

// Shows what the server says of a note, unless what was sent last is still `waiting` for its answer; what is being
// written stays as it is.
function fillNote(note, text, { limit, about, waiting }) {
  const { field, said, sent } = note;
  note.limit = limit;
  field.setAttribute("aria-label", `Note on ${about}`);
  if (waiting || note.text === text) return;
  if (note.text !== null && field.value !== note.shown && field.value !== sent) return;
  said.textContent = text === sent && field.value === sent ? "Kept." : "";
  note.text = text;
  note.sent = null;
  field.value = text;
  note.shown = field.value;
}
