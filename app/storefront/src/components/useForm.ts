"use client";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { probe } from "@/offline/connection";
import { ApiError } from "@/shop/browser-api";

/** What is wrong with a field that the shop refuses, in the shopper's words. */
const WORDS: Record<string, string> = {
  email: "Please check the address. It should look like name@example.com.",
  password: "Please use at least 8 characters.",
  new_password: "Please use at least 8 characters.",
  name: "Please enter your name.",
};

const INVALID = 422;

interface Form {
  busy: boolean;
  /** What went wrong, if it isn't a field. */
  problem: string;
  /** By field. */
  wrong: Record<string, string>;
  submit: (event: FormEvent<HTMLFormElement>) => void;
}

/** A form that is sent at once. Whatever goes wrong keeps what was filled in, and moves to the field that it is about. */
export function useForm(
  send: (form: FormData) => Promise<void>,
  refused?: (error: ApiError) => string | Record<string, string> | undefined,
): Form {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(undefined);

  useEffect(() => {
    const [first] = Object.keys(wrong);
    const field = first && form.current?.elements.namedItem(first);
    if (field instanceof HTMLElement) field.focus();
  }, [wrong]);

  function tell(error: unknown) {
    if (!(error instanceof ApiError)) {
      void probe();
      return setProblem("We can’t reach the shop right now. What you filled in is still here.");
    }
    const said = refused?.(error);
    if (typeof said === "string") return setProblem(said);
    const fields = said ?? (error.status === INVALID ? wrongFields(error) : {});
    if (Object.keys(fields).length) return setWrong(fields);
    setProblem(error.message);
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    form.current = event.currentTarget;
    setBusy(true);
    setProblem("");
    setWrong({});
    try {
      await send(new FormData(event.currentTarget));
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  }

  return { busy, problem, wrong, submit: (event) => void submit(event) };
}

function wrongFields(error: ApiError): Record<string, string> {
  const errors = Array.isArray(error.problem.errors) ? (error.problem.errors as { field?: unknown }[]) : [];
  const names = errors.map(({ field }) => String(field)).filter((name) => WORDS[name]);
  return Object.fromEntries(names.map((name) => [name, WORDS[name] ?? ""]));
}
