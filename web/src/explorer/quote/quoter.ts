/** Requests quotes during typing, at a limited rate: each quote counts as a request, of 100 per minute by default. */
import { type Answer, type ApiError, quote as requestQuote, type Quote } from "../../shared/api";
import { budget, updateBudget, quoteDelay } from "../budget";
import { Store } from "../store";
import type { QuoteTarget } from "./target";

/** Time without a change before a quote is requested. */
const DEBOUNCE_MS = 700;
/** Minimum time between two quotes. */
const MIN_INTERVAL_MS = 2_000;

type Document = Extract<QuoteTarget, { kind: "document" }>;

export type Phase =
  | { kind: "settled" }
  | { kind: "none"; why: string }
  | { kind: "typing" }
  | { kind: "loading" }
  /** Rejected by a rate limit; `until` is the time from which the server accepts requests again. */
  | { kind: "limited"; until: number }
  /** Not requested yet, so that requests or points remain for runs. */
  | { kind: "deferred"; until: number; of: "requests" | "points" };

export interface QuoteState {
  phase: Phase;
  /** The quote of the current document if the phase is `settled`, else of a previous document. */
  quote: Quote | null;
  /** The name of the quoted operation, if the document contains several. */
  label: string | null;
  /** Why there is no quote of the current document. */
  errors: ApiError[];
}

const INITIAL_STATE: QuoteState = { phase: { kind: "typing" }, quote: null, label: null, errors: [] };

export class Quoter {
  readonly state = new Store<QuoteState>(INITIAL_STATE);
  private target: Document | null = null;
  /** The id of the document whose quote is shown. */
  private quotedId: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;
  private lastSent = 0;
  private limitedUntil = 0;

  /** Sets the document to quote; called on every change of the editor. */
  setTarget(target: QuoteTarget): void {
    if (target.kind === "none") {
      this.cancel();
      this.target = null;
      this.quotedId = null;
      this.change({ phase: { kind: "none", why: target.why }, quote: null, errors: [] });
    } else if (target.id === this.quotedId) {
      this.cancel();
      this.target = target;
      this.change({ phase: { kind: "settled" } });
    } else if (target.id !== this.target?.id) {
      this.cancel();
      this.target = target;
      const limited = Date.now() < this.limitedUntil;
      this.change(
        limited ? { phase: { kind: "limited", until: this.limitedUntil } } : { phase: { kind: "typing" }, errors: [] },
      );
      this.schedule(DEBOUNCE_MS);
    }
  }

  /** Requests a quote immediately, unless a rate limit applies. For the button. */
  quoteNow(): void {
    if (this.target !== null && Date.now() >= this.limitedUntil) void this.send(this.target);
  }

  /** Requests the quote of the same document again, because the remaining units may have changed. */
  requote(): void {
    this.quotedId = null;
    if (this.target !== null) this.schedule(DEBOUNCE_MS);
  }

  /** Resets all state after a change of the key. */
  reset(): void {
    this.cancel();
    this.target = null;
    this.quotedId = null;
    this.lastSent = 0;
    this.limitedUntil = 0;
    this.state.set(INITIAL_STATE);
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
    const at = Math.max(now + delay, this.lastSent + MIN_INTERVAL_MS, this.limitedUntil);
    this.timer = setTimeout(() => this.onTimer(), at - now);
  }

  private onTimer(): void {
    if (this.target === null) return;
    const { wait, of } = quoteDelay(budget.get(), Date.now());
    if (wait === 0) {
      void this.send(this.target);
    } else {
      this.change({ phase: { kind: "deferred", until: Date.now() + wait, of } });
      this.schedule(wait);
    }
  }

  private async send(document: Document): Promise<void> {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    this.lastSent = Date.now();
    this.change({ phase: { kind: "loading" } });
    const { query, variables, operationName } = document;
    try {
      const answer = await requestQuote(query, variables, {
        ...(operationName === undefined ? {} : { operationName }),
        signal: abort.signal,
      });
      if (!abort.signal.aborted) this.applyAnswer(document, answer);
    } catch {
      // Aborted: the editor has changed.
    }
  }

  private applyAnswer(document: Document, answer: Answer<{ quote: Quote }>): void {
    updateBudget(answer);
    const wait = answer.retryAfterSeconds;
    if (wait !== undefined && (answer.status === 429 || answer.status === 503)) {
      this.limitedUntil = Date.now() + wait * 1000;
      this.change({ phase: { kind: "limited", until: this.limitedUntil }, errors: answer.errors ?? [] });
      this.schedule(0);
      return;
    }
    this.quotedId = document.id;
    if (answer.data?.quote) {
      this.change({ phase: { kind: "settled" }, quote: answer.data.quote, label: document.label ?? null, errors: [] });
    } else {
      this.change({ phase: { kind: "settled" }, quote: null, label: null, errors: answer.errors ?? [] });
    }
  }
}
