// The editor of the page that the panel lies over, as far as content.js passes messages on to it.

export class Editor {
  #port = null;
  #number = 0; // of the latest question
  #waiting = new Map(); // by number: what to call with the answer

  // `opened({dark})` is called whenever the panel is shown, over a dark page or a light one; `closed()` when the page hides it.
  constructor(handlers) {
    const token = location.hash.slice(1); // which content.js gave the frame, and no script of the page knows
    window.addEventListener("message", ({ data, source, ports }) => {
      if (source !== window.parent || data?.token !== token || this.#port) return;
      [this.#port] = ports;
      this.#port.onmessage = ({ data: { event, id, ...answer } }) => {
        if (event) handlers[event](answer);
        else this.#waiting.get(id)?.(answer);
        this.#waiting.delete(id);
      };
    });
    window.parent.postMessage("extexify:ready", "*"); // to any origin: it holds no data
  }

  // The document and the selection in it: {text, from, to}, or {problem}.
  read() {
    return this.#ask({ action: "read" });
  }

  // Replaces {from, to, insert} in the document that was read last, in one step for Undo, and puts the cursor at an offset of
  // the new one. Returns {}, or {problem}: "changed" if the document is another one by now.
  replace(change, cursor) {
    return this.#ask({ action: "replace", changes: [change], cursor });
  }

  // Hides the panel, and gives the focus back to the editor.
  close() {
    this.#port?.postMessage({ action: "close" });
  }

  #ask(question) {
    return new Promise((resolve) => {
      this.#number += 1;
      this.#waiting.set(this.#number, resolve);
      this.#port.postMessage({ id: this.#number, ...question });
    });
  }
}
