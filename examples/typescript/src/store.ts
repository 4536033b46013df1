/**
 * A cache of responses. A release never changes within its epoch: repeating a query costs no units, but points and
 * time, and returns the same numbers. So keep them until `epoch` changes, once a week.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Answer } from "./client.js";

interface Kept<Data> extends Answer<Data> {
  epoch: string;
}

export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The response to this question if it is of this epoch; undefined if its file cannot be read. */
  async get<Data>(question: unknown, epoch: string): Promise<Answer<Data> | undefined> {
    try {
      const kept = JSON.parse(await readFile(this.#file(question), "utf8")) as Kept<Data>;
      return kept.epoch === epoch ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** Only for responses that apply to the whole epoch: the caller must check their errors. */
  async put<Data>(question: unknown, epoch: string, answer: Answer<Data>): Promise<void> {
    const file = this.#file(question);
    await mkdir(this.#folder, { recursive: true });
    // Written to a temporary file and renamed, so that no reader gets an incomplete file.
    await writeFile(`${file}.${process.pid}`, JSON.stringify({ epoch, ...answer } satisfies Kept<Data>));
    await rename(`${file}.${process.pid}`, file);
  }

  #file(question: unknown): string {
    const name = createHash("sha256").update(JSON.stringify(question)).digest("hex");
    return join(this.#folder, `${name}.json`);
  }
}
