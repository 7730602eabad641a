// The addresses of self-hosted Overleafs: the permission for each, and the scripts that run there.

export const OVERLEAF = "https://www.overleaf.com"; // where the manifest has the extension run
const EVERYWHERE = /^(\*|https?):\/\/\*\//; // a pattern for all sites

// The origin that a user typed, "https://tex.example.org", or null if it is no web address. Without a port, because a
// permission covers all of them.
export function parseAddress(text) {
  const typed = text.trim();
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`;
  if (/[\s*]/.test(address) || !URL.canParse(address)) return null;
  const { protocol, hostname } = new URL(address);
  return ["https:", "http:"].includes(protocol) ? `${protocol}//${hostname}` : null;
}

// The origins where the scripts run, sorted.
export async function addedOrigins() {
  const scripts = await chrome.scripting.getRegisteredContentScripts();
  return [...new Set(scripts.flatMap(({ matches }) => matches.map(originOf)))].sort();
}

function originOf(pattern) {
  return pattern.replace(/^([^:]+:\/\/[^/]*)\/.*/, "$1");
}

// Asks the user for the permission, which the browser allows only within a click, and registers the scripts. Returns
// whether it was given.
export async function addOrigin(origin) {
  if (!(await chrome.permissions.request({ origins: [`${origin}/*`] }))) return false;
  await register(origin);
  return true;
}

export async function removeOrigin(origin) {
  await chrome.scripting.unregisterContentScripts({ ids: scriptsFor(origin).map(({ id }) => id) });
  await chrome.permissions.remove({ origins: [`${origin}/*`] });
}

// Registers the scripts wherever the user allowed them and they aren't registered.
export async function registerAllowed() {
  const { origins } = await chrome.permissions.getAll();
  const allowed = new Set(origins.filter((pattern) => !EVERYWHERE.test(pattern)).map(originOf));
  for (const known of [OVERLEAF, ...(await addedOrigins())]) allowed.delete(known);
  await Promise.all([...allowed].map(register));
}

async function register(origin) {
  if (!(await addedOrigins()).includes(origin)) await chrome.scripting.registerContentScripts(scriptsFor(origin));
}

function scriptsFor(origin) {
  const shared = { matches: [`${origin}/project/*`], persistAcrossSessions: true };
  return [
    { ...shared, id: `${origin} bridge`, js: ["bridge.js"], world: "MAIN", runAt: "document_start" },
    { ...shared, id: `${origin} content`, js: ["content.js"], runAt: "document_idle" },
  ];
}
