/** What the tabs and the service worker tell one another. */
export type Message =
  { type: "cart" } | { type: "queue" } | { type: "catalogue" } | { type: "evicted" } | { type: "signed-out" };

const CHANNEL = "simone-webshop";
let channel: BroadcastChannel | undefined;
const local = new Set<(message: Message) => void>();

const open = (): BroadcastChannel => {
  if (!channel) {
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = (event: MessageEvent<Message>) => {
      for (const listener of local) listener(event.data);
    };
  }
  return channel;
};

/** Tell the other tabs, and the worker. */
export function announceElsewhere(message: Message): void {
  open().postMessage(message);
}

/** Tell every tab, this one included. */
export function announce(message: Message): void {
  announceElsewhere(message);
  for (const listener of local) listener(message);
}

export function listen(listener: (message: Message) => void): () => void {
  open();
  local.add(listener);
  return () => local.delete(listener);
}
