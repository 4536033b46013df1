/**
 * Answers that are kept. A release never changes within its epoch: asking again costs no units, but points and time,
 * and brings the same numbers. So keep them until `epoch` changes, once a week.
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

  /** The answer to this question if it is of this epoch. A file that cannot be read is no answer. */
  async get<Data>(question: unknown, epoch: string): Promise<Answer<Data> | undefined> {
    try {
      const kept = JSON.parse(await readFile(this.#file(question), "utf8")) as Kept<Data>;
      return kept.epoch === epoch ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** For answers that hold for the whole epoch only: the caller looks at their errors. */
  async put<Data>(question: unknown, epoch: string, answer: Answer<Data>): Promise<void> {
    const file = this.#file(question);
    await mkdir(this.#folder, { recursive: true });
    // Written beside and moved: nobody ever reads half a file.
    await writeFile(`${file}.${process.pid}`, JSON.stringify({ epoch, ...answer } satisfies Kept<Data>));
    await rename(`${file}.${process.pid}`, file);
  }

  #file(question: unknown): string {
    const name = createHash("sha256").update(JSON.stringify(question)).digest("hex");
    return join(this.#folder, `${name}.json`);
  }
}
