// Marks a page that came from a server, before it is shown. From the disk, browsers load neither modules nor workers, and
// some not even this script: then the page says what to do.
if (window.location.protocol !== "file:") document.documentElement.classList.add("served");
