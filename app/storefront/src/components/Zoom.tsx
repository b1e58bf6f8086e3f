"use client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Product } from "@/shop/catalogue";
import type { View } from "@/shop/image-views";
import { CloseIcon } from "./icons";
import { ProductImage } from "./ProductImage";

/** Pixels of the widest picture that there is: src/images/render.ts. No closer than that, which shows nothing more. */
const TRUE_SIZE = 1200;
const STEP = 1.5;
/** Pixels that an arrow key moves a picture that is larger than the screen. */
const MOVE = 80;
const ARROWS: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-MOVE, 0],
  ArrowRight: [MOVE, 0],
  ArrowUp: [0, -MOVE],
  ArrowDown: [0, MOVE],
};

type Point = [x: number, y: number];

/** As wide as it fits on the screen. */
const fitting = (): number => Math.min(innerWidth, innerHeight, TRUE_SIZE);

const between = ([one, other]: TouchList): Point =>
  one && other ? [(one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2] : [0, 0];
const apart = ([one, other]: TouchList): number =>
  one && other ? Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) : 0;

/**
 * The picture alone on the screen, up to its true size. A click, a tap or Enter comes closer and goes back; two fingers and the
 * keys + and − do so by degrees; the arrow keys, or a finger, move it; Escape leaves.
 */
export function Zoom({ product, view, onClose }: { product: Product; view: View; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const width = useRef(0);
  const [close, setClose] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  /** What is at that point of the screen stays there. */
  function zoomTo(wanted: number, [x, y]: Point = [innerWidth / 2, innerHeight / 2]) {
    const picture = stage.current?.querySelector("img");
    if (!picture) return;
    const before = picture.getBoundingClientRect();
    width.current = Math.max(fitting(), Math.min(wanted, TRUE_SIZE));
    picture.style.width = `${width.current}px`;
    const after = picture.getBoundingClientRect();
    const moved = (from: number, length: number, start: number, now: number, at: number) =>
      start + ((at - from) / length) * now - at;
    stage.current?.scrollBy(
      moved(before.left, before.width, after.left, after.width, x),
      moved(before.top, before.height, after.top, after.height, y),
    );
    setClose(width.current > fitting());
  }
  const zoom = useRef(zoomTo);
  useEffect(() => {
    zoom.current = zoomTo;
  });

  useEffect(() => {
    const element = stage.current;
    let begun: { distance: number; width: number } | undefined;
    const start = ({ touches }: TouchEvent) => {
      begun = touches.length === 2 ? { distance: apart(touches), width: width.current || fitting() } : undefined;
    };
    const move = (event: TouchEvent) => {
      if (!begun || event.touches.length !== 2) return;
      event.preventDefault(); // the page itself stays as it is
      zoom.current((begun.width * apart(event.touches)) / begun.distance, between(event.touches));
    };
    element?.addEventListener("touchstart", start, { passive: true });
    // React's own listener couldn't keep the browser from zooming the page.
    element?.addEventListener("touchmove", move, { passive: false });
    return () => {
      element?.removeEventListener("touchstart", start);
      element?.removeEventListener("touchmove", move);
    };
  }, []);

  function onKeyDown(event: KeyboardEvent) {
    const present = width.current || fitting();
    const arrow = ARROWS[event.key];
    if (arrow) stage.current?.scrollBy(...arrow);
    else if (event.key === "+" || event.key === "=") zoomTo(present * STEP);
    else if (event.key === "-") zoomTo(present / STEP);
    else if (event.key === "0") zoomTo(0);
    else return;
    event.preventDefault();
  }

  return (
    <dialog ref={dialog} className="zoom" aria-label={product.name} onClose={onClose} onKeyDown={onKeyDown}>
      <button
        type="button"
        className="icon-link"
        aria-label="Close the picture"
        onClick={() => dialog.current?.close()}
      >
        <CloseIcon />
      </button>
      <div ref={stage} className={close ? "zoom-stage close" : "zoom-stage"}>
        <button
          type="button"
          className="zoom-picture"
          aria-pressed={close}
          aria-label={`Closer: ${product.name}`}
          aria-describedby="zoom-keys"
          onClick={(event) =>
            // Enter has no place on the screen.
            zoomTo(close ? 0 : TRUE_SIZE, event.detail ? [event.clientX, event.clientY] : undefined)
          }
        >
          <ProductImage product={product} alt="" view={view} sizes="1200px" />
        </button>
      </div>
      <p id="zoom-keys" className="visually-hidden">
        The keys plus and minus come closer and go back, the arrow keys move the picture.
      </p>
    </dialog>
  );
}
