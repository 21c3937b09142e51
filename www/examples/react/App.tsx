import { useEffect, useRef, useState } from "react";
import "weighstation/element";
import type { Report, WeighStation } from "weighstation/element";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "weigh-station": React.DetailedHTMLProps<React.HTMLAttributes<HTMLElement>, HTMLElement> & { name?: string; required?: boolean; mode?: "drop" | "compact" | "full"; "fail-on"?: string };
    }
  }
}

export function App() {
  const station = useRef<WeighStation>(null);
  const [report, setReport] = useState<Readonly<Report> | null>(null);

  useEffect(() => {
    const weighed = (event: CustomEvent<{ report: Readonly<Report> }>) => setReport(event.detail.report);
    const field = station.current;
    field?.addEventListener("weigh-report", weighed);
    return () => field?.removeEventListener("weigh-report", weighed as EventListener);
  }, []);

  return (
    <form>
      <h1>Publish a model</h1>
      <weigh-station ref={station} name="model" required mode="drop" fail-on="suspicious" />
      <p>Verdict: <output>{report?.verdict ?? "none yet"}</output></p>
      <button>Publish</button>
    </form>
  );
}
