/** What a case found, by name. */
export type Report = Record<string, number | string>

const shown = (value: number | string): string =>
  typeof value === 'string'
    ? value
    : value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 })

export function printReport(title: string, report: Report): void {
  console.log(`\n### ${title}\n\n| what | |\n|---|---:|`)
  for (const [name, value] of Object.entries(report)) console.log(`| ${name} | ${shown(value)} |`)
}
