// What the extension's pages remember. A frame in another site's page, as the panel is, has no local storage of its own, and
// elsewhere it would be another one than the frame's.

const remembered = new Map(Object.entries(await chrome.storage.local.get()));

chrome.storage.onChanged.addListener((changes) => {
  for (const [name, { newValue }] of Object.entries(changes)) {
    if (newValue === undefined) remembered.delete(name);
    else remembered.set(name, newValue);
  }
});

// In place of the browser's local storage in shared/page.js: the same functions, of which the last two are done a moment later.
export const extensionStorage = {
  getItem: (name) => remembered.get(name) ?? null,
  setItem(name, text) {
    remembered.set(name, text);
    chrome.storage.local.set({ [name]: text });
  },
  removeItem(name) {
    remembered.delete(name);
    chrome.storage.local.remove(name);
  },
};
