/** What `cg live` adds to the page that it serves: the page loads itself anew, and shows the error of the last run. */
{
  const version = document.querySelector('meta[name="version"]').content;
  const box = document.createElement("pre");
  box.id = "live-error";
  box.setAttribute("role", "alert");
  /** @type {EventSource | null} */
  let events = null;

  const show = (/** @type {string} */ text) => {
    box.textContent = text;
    if (text) document.body.append(box);
    else box.remove();
  };

  /** Hidden pages hold no connection, for browsers allow a few to one server only. */
  const listen = () => {
    events?.close();
    events = null;
    if (document.hidden) return;
    events = new EventSource("events");
    events.onmessage = (event) => {
      const latest = JSON.parse(event.data);
      if (latest.version === version) show(latest.error);
      else location.reload();
    };
    events.onerror = () => show("`cg live` has ended: this page no longer follows its file.");
  };

  document.addEventListener("visibilitychange", listen);
  document.addEventListener("DOMContentLoaded", listen);
  addEventListener("pagehide", () => events?.close());
}
