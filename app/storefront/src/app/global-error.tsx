"use client";
import "@/styles/tokens.css";
import "@/styles/base.css";

export default function GlobalError({ retry }: { retry: () => void }) {
  return (
    <html lang="en">
      <body>
        <main>
          <h1 className="alone">That didn’t work.</h1>
          <p>Something went wrong on our side. Your cart is safe.</p>
          <button type="button" className="button" onClick={retry}>
            Try again
          </button>
        </main>
      </body>
    </html>
  );
}
