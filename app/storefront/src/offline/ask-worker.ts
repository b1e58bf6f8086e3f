/** What a page has the service worker do. */
const ANSWER_MS = 5_000;

/** Have the worker that is in control do something, and wait until it is done. Without one there is nothing to do. */
export async function askWorker(message: object): Promise<void> {
  const worker = "serviceWorker" in navigator ? navigator.serviceWorker.controller : null;
  if (!worker) return;
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    setTimeout(resolve, ANSWER_MS);
    worker.postMessage(message, [port2]);
  });
}
