import type { Metadata } from "next";
import { CategoryTiles } from "@/components/CategoryTiles";
import { categories, favourites } from "@/shop/server-api";
import { marketFrom } from "../market";

export const revalidate = 3600;
export const generateStaticParams = () => [];
export const metadata: Metadata = { title: "Categories", alternates: { canonical: "/categories" } };

export default async function Categories({ params }: { params: Promise<{ market: string }> }) {
  const market = await marketFrom(params);
  const [all, pictures] = await Promise.all([categories(market), favourites(market)]);
  const departments = [...new Set(all.map((category) => category.department))];
  return (
    <>
      <header className="page-head">
        <h1>The shop</h1>
      </header>
      {departments.map((department) => (
        <section key={department} id={department.toLowerCase()} className="section department">
          <div className="section-head">
            <h2>{department}</h2>
          </div>
          <CategoryTiles
            categories={all.filter((category) => category.department === department)}
            pictures={pictures}
          />
        </section>
      ))}
    </>
  );
}
