// Functions that the components share: elements, copy buttons, glyphs and navigation.

const COPIED_MS = 1600;

function element(tag, className, parent, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
}

async function copy(text, near) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without HTTPS, as on a local network, browsers support only execCommand. The field is put beside the button, because
  // an open dialog allows no selection outside it.
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  near.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  near.focus();
  if (!done) throw new Error("copy refused");
}

// A button that copies the result of `text()` when it is clicked, and reports that.
function copyButton(parent, text) {
  const button = element("button", "copy", parent);
  button.type = "button";
  const label = element("span", "label", button, "Copy");
  let timer = 0;
  button.reset = () => {
    clearTimeout(timer);
    button.dataset.state = "";
    label.textContent = "Copy";
  };
  button.onclick = async () => {
    clearTimeout(timer);
    try {
      await copy(text(), button);
      button.dataset.state = "done";
      label.textContent = "Copied";
    } catch {
      button.dataset.state = "failed";
      label.textContent = "Select it by hand";
    }
    timer = setTimeout(button.reset, COPIED_MS);
  };
  return button;
}

// Shows a symbol's printed glyph in an element, or its character if it has no glyph.
function showGlyph(glyph, symbol) {
  if (symbol.svg) glyph.innerHTML = symbol.svg;
  else glyph.textContent = symbol.character || "";
  glyph.classList.toggle("plain", !symbol.svg);
  glyph.title = symbol.name || "";
}

// The address of a symbol on the Symbols page, relative to any page of the dashboard.
function addressOf(key, page = "") {
  return `${page}?symbol=${encodeURIComponent(key)}`;
}

// Whether a click opens a new tab or window, which the browser handles itself.
function opensElsewhere(event) {
  return event.button > 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

// Navigates to another page of the dashboard without reloading, as the browser's Back and Forward buttons do: a reload
// would end the session and lose the drawing.
function goTo(address) {
  window.history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
