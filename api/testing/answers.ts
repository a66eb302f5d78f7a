import type { FastifyInstance } from 'fastify'
import { Compile } from 'typebox/compile'

interface Operation {
  pattern: RegExp
  checks: Map<string, ReturnType<typeof Compile>>
}

/**
 * Holds every answer against the schema its route declares, as the OpenAPI document gives it:
 * what the document promises is what comes. Returns the misfit, or `null`.
 */
export function holdToSchemas(api: FastifyInstance) {
  const operations = new Map<string, Operation[]>()
  const document = documentOf(api)
  const $defs = document.components.schemas
  for (const [path, methods] of Object.entries(document.paths)) {
    const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`)
    for (const [method, operation] of Object.entries(methods)) {
      const checks: Operation['checks'] = new Map()
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const schema = (content?.['application/json'] ?? content?.['application/problem+json'])?.schema
        if (schema) checks.set(status, Compile(withDefs(schema, $defs) as never))
      }
      const list = operations.get(method.toUpperCase()) ?? []
      list.push({ pattern, checks })
      // A path without parameters goes before one whose parameter would match it.
      list.sort((a, b) => Number(a.pattern.source.includes('[^/]+')) - Number(b.pattern.source.includes('[^/]+')))
      operations.set(method.toUpperCase(), list)
    }
  }
  return (method: string, url: string, status: number, body: unknown): string | null => {
    const path = url.split('?')[0]!
    const operation = operations.get(method)?.find(({ pattern }) => pattern.test(path))
    if (!operation || body === null) return null
    const check = operation.checks.get(String(status))
    if (!check) return `${method} ${path} answered ${status}, which it does not declare`
    if (check.Check(body)) return null
    return `${method} ${path} ${status}: ${JSON.stringify(check.Errors(body).slice(0, 3))} in ${JSON.stringify(body).slice(0, 400)}`
  }
}

export interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, OpenApiOperation>>
  components: { schemas: Record<string, unknown> }
}

export interface OpenApiOperation {
  'x-access': { kind: string; roles?: string[] }
  summary?: string
  parameters?: { in: string; name: string; required?: boolean; schema: Record<string, unknown> }[]
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> }
  responses: Record<string, { content?: Record<string, { schema: Record<string, unknown> }> }>
}

export function documentOf(api: FastifyInstance): OpenApi {
  return api.swagger() as unknown as OpenApi
}

/** Component references of a document, as definitions of a schema that stands alone. */
function withDefs(schema: unknown, $defs: Record<string, unknown>): unknown {
  const renamed = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(renamed)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(
      Object.entries(node).map(([key, member]) =>
        key === '$ref' ? [key, String(member).replace('#/components/schemas/', '#/$defs/')] : [key, renamed(member)],
      ),
    )
  }
  return { ...(renamed(schema) as object), $defs: renamed($defs) }
}
