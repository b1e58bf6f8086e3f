"use client";
import { useEffect, useRef, useState } from "react";
import type { Product } from "@/shop/catalogue";
import type { View } from "@/shop/image-views";
import { CloseIcon } from "./icons";
import { ProductImage } from "./ProductImage";

/** The picture alone on the screen; a click, a tap or the Enter key comes closer, Escape leaves. */
export function Zoom({ product, view, onClose }: { product: Product; view: View; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [close, setClose] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="zoom" aria-label={product.name} onClose={onClose}>
      <button
        type="button"
        className="icon-link"
        aria-label="Close the picture"
        onClick={() => dialog.current?.close()}
      >
        <CloseIcon />
      </button>
      <div className={close ? "zoom-stage close" : "zoom-stage"}>
        <button
          type="button"
          className="zoom-picture"
          aria-pressed={close}
          aria-label={`Closer: ${product.name}`}
          onClick={() => setClose(!close)}
        >
          <ProductImage product={product} alt="" view={view} sizes="1200px" />
        </button>
      </div>
    </dialog>
  );
}
