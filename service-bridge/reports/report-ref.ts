import type { Selectable } from 'kysely'
import { sealedAs } from '#contracts'
import type { SecretBox } from '#platform'
import type { Database, FaultReportsTable } from '#store'

/** What the teller calls a report; whoever answers the telephone may write the caller's number there. */

/** The same for the same reference of the same source, and of no use without the hub's key. */
export function reportRefHash(box: SecretBox, brandId: string, source: string, ref: string): string {
  return box.keyedHash(ref, `fault_reports/${brandId}/${source}/external_ref`)
}

/** The columns of a report's reference; its hash is what makes the same reference the same report. */
export function reportRefColumns(box: SecretBox, report: { reportId: string; ref: string; hash: string }) {
  const sealed = box.seal(report.ref, sealedAs.faultReportRef(report.reportId))
  return { external_ref: null, external_ref_sealed: sealed, external_ref_hash: report.hash }
}

type RefRow = Pick<Selectable<FaultReportsTable>, 'report_id' | 'channel' | 'external_ref' | 'external_ref_sealed'>

/** `null` once its home is forgotten; and of a page, where it is only the fingerprint of what was said. */
export function openReportRef(box: SecretBox, row: RefRow): string | null {
  if (row.channel === 'page') return null
  const { external_ref_sealed: sealed } = row
  return sealed === null ? row.external_ref : box.open(sealed, sealedAs.faultReportRef(row.report_id))
}

/** Reports sealed in one transaction at the first start of a release that seals references. */
const SEALED_PER_STEP = 500

/** Seals what an earlier release stored in plain; does nothing from the second start on, and goes on after a crash. */
export async function sealReportRefs(db: Database, box: SecretBox): Promise<void> {
  for (;;) {
    const left = await db.asHub(async (tx) => {
      const rows = await tx
        .selectFrom('fault_reports')
        .select(['brand_id', 'report_id', 'source', 'external_ref'])
        .where('external_ref', 'is not', null)
        .limit(SEALED_PER_STEP)
        .forUpdate()
        .execute()
      for (const { brand_id: brandId, report_id: reportId, source, external_ref } of rows) {
        const ref = external_ref!
        await tx
          .updateTable('fault_reports')
          .set(reportRefColumns(box, { reportId, ref, hash: reportRefHash(box, brandId, source, ref) }))
          .where('brand_id', '=', brandId)
          .where('report_id', '=', reportId)
          .execute()
      }
      return rows.length
    })
    if (left === 0) return
  }
}
