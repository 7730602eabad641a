// Service worker: keeps the files of the page, so that it starts without a network. With one, files come from the server,
// all of them: of a page that is replaced, no old file is mixed with new ones.

const KEPT = "extexify-offline";

async function keep() {
  const names = await (await fetch("files.json", { cache: "no-cache" })).json();
  await (await caches.open(KEPT)).addAll(["./", ...names]);
}

async function answer(request) {
  const kept = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await kept.put(request, response.clone());
    return response;
  } catch (error) {
    const found = await kept.match(request, { ignoreSearch: true });
    if (found) return found;
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(self.registration.scope)) event.respondWith(answer(request));
});
