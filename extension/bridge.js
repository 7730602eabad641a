// In the page's world: reads and changes the document in Overleaf's CodeMirror 6 editor. content.js asks by events whose
// details are JSON: objects don't pass between the worlds in every browser.
//
// extexify:ask     {id, action: "place"}    → {id, place}, the cursor's in the window: {left, top, bottom}, null out of sight
//                  {id, action: "read"}     → {id, text, from, to, place}, the document and its main selection
//                  {id, action: "replace", changes: [{from, to, insert}], cursor} → {id}
//                  {id, action: "focus"}    → {id}
// extexify:answer  as above, or {id, problem}: "no editor", "read-only", "changed" since the last "read", or an error

(() => {
  let classes = {}; // CodeMirror's, as Overleaf uses them
  let lastRead = null; // the document of the last "read", an object that never changes

  // Overleaf announces its classes to extensions whenever it makes an editor.
  window.addEventListener("UNSTABLE_editor:extensions", (event) => {
    classes = event.detail?.CodeMirror ?? classes;
  });

  window.addEventListener("extexify:ask", (event) => {
    let id = null;
    let answer;
    try {
      const { action, ...question } = JSON.parse(event.detail);
      id = question.id;
      answer = actions[action](requireView(), question);
    } catch (error) {
      answer = { problem: String(error?.message ?? error) };
    }
    window.dispatchEvent(new CustomEvent("extexify:answer", { detail: JSON.stringify({ ...answer, id }) }));
  });

  // The editor that the page shows, by the first way that leads to it; only the first is meant for extensions.
  const ways = [
    () => classes.EditorView.findFromDOM(document.querySelector(".cm-editor")),
    () => document.querySelector(".cm-content").cmView.view, // CodeMirror's own, in older versions
    () => document.querySelector(".cm-content").cmTile.view, // and in newer ones
    () => window.overleaf.unstable.store.get("editor.view"),
  ];

  function requireView() {
    for (const way of ways) {
      try {
        const view = way();
        if (view.state.doc && view.dispatch) return view;
      } catch {
        // Overleaf doesn't offer this way.
      }
    }
    throw new Error("no editor");
  }

  const actions = {
    place: (view) => ({ place: placeOfCursor(view) }),

    read(view) {
      lastRead = view.state.doc;
      const { from, to } = view.state.selection.main;
      return { text: lastRead.toString(), from, to, place: placeOfCursor(view) };
    },

    // One transaction, which one undo takes back, and nothing else with it.
    replace(view, { changes, cursor }) {
      if (view.state.readOnly) throw new Error("read-only");
      if (view.state.doc !== lastRead) throw new Error("changed");
      const annotations = classes.isolateHistory?.of("full") ?? [];
      view.dispatch({
        changes,
        selection: { anchor: cursor },
        annotations,
        userEvent: "input.complete",
        scrollIntoView: true,
      });
    },

    focus: (view) => view.focus(),
  };

  function placeOfCursor(view) {
    const cursor = view.coordsAtPos(view.state.selection.main.head);
    const shown = view.scrollDOM.getBoundingClientRect();
    if (!cursor || cursor.bottom < shown.top || cursor.top > shown.bottom) return null;
    return { left: cursor.left, top: cursor.top, bottom: cursor.bottom };
  }
})();
