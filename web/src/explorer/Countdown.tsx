import { useEffect, useState } from "react";

/** Whole seconds until a time. Hidden from screen readers, which would announce every second. */
export function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return <span aria-hidden="true">{Math.max(0, Math.ceil((until - now) / 1_000))} s</span>;
}
