import * as carried from "./carried";
import * as clothing from "./clothing";
import type { Draw } from "./common";
import * as devices from "./devices";
import * as furniture from "./furniture";
import * as home from "./home";
import * as household from "./household";
import * as kitchen from "./kitchen";
import * as leisure from "./leisure";
import * as outdoor from "./outdoor";
import * as play from "./play";
import * as wardrobe from "./wardrobe";
import * as worktop from "./worktop";

/** How to draw each kind of thing, by the name that designs go by. */
export const SHAPES: Readonly<Record<string, Draw>> = {
  ...furniture,
  ...home,
  ...kitchen,
  ...household,
  ...devices,
  ...carried,
  ...clothing,
  ...leisure,
  ...wardrobe,
  ...outdoor,
  ...worktop,
  ...play,
};
