/** The results of published rules: a verdict, the rule, and the numbers that it used. */
import type { ReactNode } from "react";
import { CellErrors, Figure, Tag } from "../charts/Figure";
import { errorOf, type Series } from "../charts/series";
import type {
  Implication,
  MarketingImplications,
  Measure,
  ProductImplications,
  RuleInput,
  Nullable,
  Verdict,
} from "../model/answer";
import { humanize } from "../model/format";
import type { Path } from "../model/errors";

const SIGNS: Record<Verdict, string> = { YES: "\u2713", NO: "\u2715", UNCERTAIN: "?" };

export function ProductRules({ series }: { series: Series[] }) {
  const path = (field: string): Path => ["behavior", "implications", field];
  const all = series.map(({ answer }) => answer.behavior!.implications);
  return (
    <ul className="rules">
      <VerdictRule
        series={series}
        title="Prefers quality over price"
        of={(n) => all[n]!.prefersQualityOverPrice}
        path={path("prefersQualityOverPrice")}
      />
      <VerdictRule
        series={series}
        title="Values community products"
        of={(n) => all[n]!.valuesCommunityProducts}
        path={path("valuesCommunityProducts")}
      />
      <Rule
        series={series}
        title="Likely to return for a purchase"
        path={path("likelyToReturnPurchase")}
        of={(n) => numberRule(all[n]!.likelyToReturnPurchase)}
      />
      <Rule
        series={series}
        title="Decision factors"
        path={path("decisionFactors")}
        of={(n) => factorRule(all[n]!.decisionFactors)}
      />
    </ul>
  );
}

const MARKETING: [keyof Omit<MarketingImplications, "strategies">, string][] = [
  ["respondsToCommunityEndorsements", "Responds to community endorsements"],
  ["likelyToSharePurchases", "Likely to share purchases"],
  ["influencerPotential", "Influencer potential"],
];
const STRATEGIES: [keyof MarketingImplications["strategies"], string][] = [
  ["communityEndorsement", "Strategy: community endorsement"],
  ["earlyAdopterProgram", "Strategy: early adopter program"],
  ["socialProof", "Strategy: social proof"],
  ["influencerPartnership", "Strategy: influencer partnership"],
];

export function MarketingRules({ series }: { series: Series[] }) {
  const all = series.map(({ answer }) => answer.network!.implications);
  const path: Path = ["network", "implications"];
  return (
    <ul className="rules">
      {MARKETING.map(([field, title]) => (
        <VerdictRule key={field} series={series} title={title} of={(n) => all[n]![field]} path={[...path, field]} />
      ))}
      {STRATEGIES.map(([field, title]) => (
        <VerdictRule
          key={field}
          series={series}
          title={title}
          of={(n) => all[n]!.strategies[field]}
          path={[...path, "strategies", field]}
        />
      ))}
    </ul>
  );
}

interface RuleResult {
  result: ReactNode;
  rule: string;
  inputs: RuleInput[];
}

function numberRule(answer: ProductImplications["likelyToReturnPurchase"]): Nullable<RuleResult> {
  return answer && { result: <Figure measure={answer.value} />, rule: answer.rule, inputs: answer.inputs };
}

function factorRule(answer: ProductImplications["decisionFactors"]): Nullable<RuleResult> {
  if (answer === null) return null;
  const weights: [string, Measure][] = [
    ["Quality", answer.quality],
    ["Community", answer.communityEndorsement],
    ["Price", answer.price],
  ];
  const result = (
    <span className="weights">
      {weights.map(([name, measure]) => (
        <span key={name}>
          <span className="hint">{name}</span> <Figure measure={measure} />
        </span>
      ))}
    </span>
  );
  return { result, rule: answer.rule, inputs: answer.inputs };
}

interface RuleProps<T> {
  series: Series[];
  title: string;
  of: (n: number) => Nullable<T>;
  path: Path;
}

function VerdictRule({ of, ...others }: RuleProps<Implication>) {
  const resultOf = (n: number): Nullable<RuleResult> => {
    const answer = of(n);
    return answer && { result: <VerdictMark verdict={answer.verdict} />, rule: answer.rule, inputs: answer.inputs };
  };
  return <Rule {...others} of={resultOf} />;
}

function VerdictMark({ verdict }: { verdict: Verdict }) {
  return (
    <strong className={`verdict verdict-${verdict.toLowerCase()}`}>
      <span aria-hidden="true">{SIGNS[verdict]}</span> {verdict}
    </strong>
  );
}

function Rule({ series, title, of, path }: RuleProps<RuleResult>) {
  const each = series.map((_, n) => of(n));
  const rule = each.find((result) => result !== null)?.rule;
  return (
    <li data-row={path.at(-1)}>
      <div className="rule-head">
        <h4>{title}</h4>
        <div className="rule-results">
          {each.map((result, n) => (
            <div key={n} className="cell">
              {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null}
              {result === null ? <span className="withheld">withheld</span> : result.result}
            </div>
          ))}
        </div>
      </div>
      <CellErrors
        cells={each.map((result, n) => (result === null ? { error: errorOf(series[n]!, path) } : { text: "" }))}
        series={series}
      />
      {rule === undefined ? null : (
        <details>
          <summary>
            Rule: <span className="rule-text">{rule}</span>
          </summary>
          {each.map((result, n) =>
            result === null ? null : (
              <ul key={n} className="inputs">
                {result.inputs.map(({ name, value }) => (
                  <li key={name} className="cell">
                    {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null}
                    <span className="input-name">{inputName(name)}</span> <Figure measure={value} />
                  </li>
                ))}
              </ul>
            ),
          )}
        </details>
      )}
    </li>
  );
}

/** Formats input names such as `personality.dimensions.VALUE_ORIENTATION.mean` and `behavior.returnVisitRate`. */
function inputName(name: string): string {
  const dimension = /dimensions\.([A-Z_]+)\.mean/.exec(name)?.[1];
  if (dimension !== undefined) return `Mean ${humanize(dimension).toLowerCase()}`;
  const field = name
    .split(".")
    .at(-1)!
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const of = name.startsWith("regions.") ? ", all people of the regions" : "";
  return field.charAt(0).toUpperCase() + field.slice(1) + of;
}
