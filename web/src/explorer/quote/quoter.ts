/** Asks for quotes while one types, and no more often than it should: a quote is a request, of 100 in a minute. */
import { type Answer, type ApiError, quote as askQuote, type Quote } from "../../shared/api";
import { budget, noteBudget, waitToSpare } from "../budget";
import { Store } from "../store";
import type { Subject } from "./subject";

/** How long nothing may have been typed. */
const CALM_MS = 700;
/** From one quote to the next. */
const APART_MS = 2_000;

type Document = Extract<Subject, { kind: "document" }>;

export type Phase =
  | { kind: "settled" }
  | { kind: "none"; why: string }
  | { kind: "typing" }
  | { kind: "asking" }
  /** Refused: until the server says that one may ask again. */
  | { kind: "refused"; until: number }
  /** Not asked, so that requests or points are left for runs. */
  | { kind: "sparing"; until: number; of: "requests" | "points" };

export interface QuoteState {
  phase: Phase;
  /** Of what is in the editor if the phase is settled, else of what stood there before. */
  quote: Quote | null;
  /** Of which operation, where there are several. */
  label: string | null;
  /** Why there is no quote of what is in the editor. */
  errors: ApiError[];
}

const BEGIN: QuoteState = { phase: { kind: "typing" }, quote: null, label: null, errors: [] };

export class Quoter {
  readonly state = new Store<QuoteState>(BEGIN);
  private wanted: Document | null = null;
  /** Whose answer is shown. */
  private answered: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;
  private lastSent = 0;
  private refusedUntil = 0;

  /** Tells what is in the editor now. */
  consider(subject: Subject): void {
    if (subject.kind === "none") {
      this.cancel();
      this.wanted = null;
      this.answered = null;
      this.change({ phase: { kind: "none", why: subject.why }, quote: null, errors: [] });
    } else if (subject.id === this.answered) {
      this.cancel();
      this.wanted = subject;
      this.change({ phase: { kind: "settled" } });
    } else if (subject.id !== this.wanted?.id) {
      this.cancel();
      this.wanted = subject;
      const refused = Date.now() < this.refusedUntil;
      this.change(
        refused ? { phase: { kind: "refused", until: this.refusedUntil } } : { phase: { kind: "typing" }, errors: [] },
      );
      this.schedule(CALM_MS);
    }
  }

  /** Asks at once, unless the server said to wait: somebody pressed the button. */
  now(): void {
    if (this.wanted !== null && Date.now() >= this.refusedUntil) void this.send(this.wanted);
  }

  /** Asks once more for the same: what is left has changed. */
  again(): void {
    this.answered = null;
    if (this.wanted !== null) this.schedule(CALM_MS);
  }

  /** Forgets everything: the key is another one. */
  reset(): void {
    this.cancel();
    this.wanted = null;
    this.answered = null;
    this.lastSent = 0;
    this.refusedUntil = 0;
    this.state.set(BEGIN);
  }

  private change(change: Partial<QuoteState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }

  private cancel(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    const now = Date.now();
    const at = Math.max(now + delay, this.lastSent + APART_MS, this.refusedUntil);
    this.timer = setTimeout(() => this.due(), at - now);
  }

  private due(): void {
    if (this.wanted === null) return;
    const { wait, of } = waitToSpare(budget.get(), Date.now());
    if (wait === 0) {
      void this.send(this.wanted);
    } else {
      this.change({ phase: { kind: "sparing", until: Date.now() + wait, of } });
      this.schedule(wait);
    }
  }

  private async send(document: Document): Promise<void> {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    this.lastSent = Date.now();
    this.change({ phase: { kind: "asking" } });
    const { query, variables, operationName } = document;
    try {
      const answer = await askQuote(query, variables, {
        ...(operationName === undefined ? {} : { operationName }),
        signal: abort.signal,
      });
      if (!abort.signal.aborted) this.take(document, answer);
    } catch {
      // Aborted: what is in the editor is something else by now.
    }
  }

  private take(document: Document, answer: Answer<{ quote: Quote }>): void {
    noteBudget(answer);
    const wait = answer.retryAfterSeconds;
    if (wait !== undefined && (answer.status === 429 || answer.status === 503)) {
      this.refusedUntil = Date.now() + wait * 1000;
      this.change({ phase: { kind: "refused", until: this.refusedUntil }, errors: answer.errors ?? [] });
      this.schedule(0);
      return;
    }
    this.answered = document.id;
    if (answer.data?.quote) {
      this.change({ phase: { kind: "settled" }, quote: answer.data.quote, label: document.label ?? null, errors: [] });
    } else {
      this.change({ phase: { kind: "settled" }, quote: null, label: null, errors: answer.errors ?? [] });
    }
  }
}
