// A field for a note, which is saved when the field loses the focus.

// `keep` is called with the note. The field stands before `next`.
function makeNote(parent, keep, next) {
  const box = element("div", "note");
  parent.insertBefore(box, next);
  const field = element("textarea", "", box);
  field.rows = 1;
  field.placeholder = "Note";
  const status = element("p", "", box);
  status.setAttribute("role", "status");
  // `text` is the note that the server has, `shown` is that as the field has it, and `sent` what was sent last.
  const note = { field, status, limit: 0, text: null, shown: "", sent: null };
  field.oninput = () => {
    const length = [...field.value.trim()].length;
    const over = length > note.limit;
    field.setAttribute("aria-invalid", String(over));
    status.textContent = over ? `A note may have ${note.limit} characters, this one has ${length}: it isn’t saved.` : "";
  };
  field.onchange = () => {
    const now = field.value.trim();
    if ([...now].length > note.limit) return;
    field.value = note.sent = now;
    keep(now);
  };
  // Letters typed here must not trigger the dashboard's keyboard shortcuts.
  field.onkeydown = (event) => event.stopPropagation();
  return note;
}

// Shows the server's text of a note, unless the note that was sent last is still unconfirmed (`waiting`); text that is
// being edited stays as it is.
function fillNote(note, text, { limit, about, waiting }) {
  const { field, status, sent } = note;
  note.limit = limit;
  field.setAttribute("aria-label", `Note on ${about}`);
  if (waiting || note.text === text) return;
  if (note.text !== null && field.value !== note.shown && field.value !== sent) return;
  status.textContent = text === sent && field.value === sent ? "Saved." : "";
  note.text = text;
  note.sent = null;
  field.value = text;
  note.shown = field.value;
}
