// The shortcut, and after an update the scripts for self-hosted Overleafs, which browsers forget then.

import { registerAllowed } from "./addresses.js";

chrome.commands.onCommand.addListener((command, tab) => {
  // On other sites, whose addresses we don't get to see. Firefox opens a popup only before anything is awaited.
  if (!tab?.url) return void chrome.action.openPopup();
  chrome.tabs.sendMessage(tab.id, { toggle: true }).catch(() => chrome.action.openPopup());
});

chrome.runtime.onInstalled.addListener(registerAllowed);

// The shortcut as the user set it, which only this page may ask for.
chrome.runtime.onMessage.addListener((message, sender, reply) => {
  if (!message.shortcut) return false;
  chrome.commands.getAll().then((commands) => reply(commands.find(({ name }) => name === "open-panel")?.shortcut ?? ""));
  return true; // the reply comes later
});
