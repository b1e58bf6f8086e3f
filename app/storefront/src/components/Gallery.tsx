"use client";
import { useState } from "react";
import type { Product } from "@/shop/catalogue";
import { VIEWS, type View } from "@/shop/image-views";
import { part } from "./part";
import { ProductImage } from "./ProductImage";

/** Fetched when a picture is opened: most visitors never do. */
const Zoom = part("zoom", () => import("./Zoom").then((module) => module.Zoom));

const CAPTIONS: Record<View, string> = { front: "", detail: ", close up", room: ", in a room" };

export function Gallery({ product }: { product: Product }) {
  const [view, setView] = useState<View>("front");
  const [zoomed, setZoomed] = useState(false);
  return (
    <div className="gallery">
      <button
        type="button"
        className="gallery-main"
        onClick={() => setZoomed(true)}
        aria-label={`Enlarge the picture of ${product.name}`}
      >
        <ProductImage
          product={product}
          alt={`${product.name}${CAPTIONS[view]}`}
          view={view}
          sizes="(min-width: 80rem) 640px, (min-width: 56rem) 50vw, 92vw"
          preload={view === "front"}
        />
      </button>
      <div className="gallery-thumbs">
        {VIEWS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === view}
            aria-label={`Show the product${CAPTIONS[each] || " from the front"}`}
            onClick={() => setView(each)}
          >
            <ProductImage product={product} alt="" view={each} sizes="80px" />
          </button>
        ))}
      </div>
      {zoomed ? <Zoom product={product} view={view} onClose={() => setZoomed(false)} /> : null}
    </div>
  );
}
