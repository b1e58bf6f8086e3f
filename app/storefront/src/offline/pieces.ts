/** How many pieces are in the cart. */
import { cartLines } from "./cart";
import { listen } from "./messages";
import { whoIsHere } from "./visitor";

/** Tells now, and with every change, also by another tab. */
export function watchPieces(tell: (pieces: number) => void): () => void {
  const look = async () => {
    // What a member has left is shown to nobody else.
    await whoIsHere();
    tell((await cartLines()).reduce((sum, line) => sum + line.quantity, 0));
  };
  const now = () => void look().catch((error: unknown) => console.error("the browser's database can't be read", error));
  now();
  return listen((message) => {
    if (message.type === "cart" || message.type === "signed-out") now();
  });
}
