/** How a reply says where the next page is, and that there is none. */
export type NextPage =
  | { readonly kind: 'cursor'; readonly path: string; readonly param: string | undefined }
  | { readonly kind: 'link' }

/** The next page by a value in the body. Null, empty or absent means that this was the last page.
 *  With `param` the value is sent as that query parameter of the first page's URL. Without, a value that begins
 *  with `http://`, `https://`, `/` or `?` is the next address, and any other is sent as `cursor`. */
export function cursor(path: string, options: { readonly param?: string } = {}): NextPage {
  return { kind: 'cursor', path, param: options.param }
}

/** The next page by `Link: <…>; rel="next"` (RFC 8288). A page without such a link is the last. */
export function link(): NextPage {
  return { kind: 'link' }
}

/** Where the next page is.
 *  @param first the first page's address  @param current this page's  @param token what the cursor's path holds */
export function cursorAddress(
  first: URL,
  current: URL,
  token: string,
  param: string | undefined,
): URL | undefined {
  if (param === undefined && /^(https?:\/\/|\/|\?)/i.test(token)) return parseAddress(token, current)
  const next = new URL(first)
  next.searchParams.set(param ?? 'cursor', token)
  return next
}

/** The target of the `next` link; undefined where there is none, null where it is no address. */
export function nextLink(header: string | null, current: URL): URL | null | undefined {
  if (!header) return undefined
  for (const [, target = '', parameters = ''] of header.matchAll(LINK)) {
    const rel = [...parameters.matchAll(PARAMETER)].find(([, name]) => name?.toLowerCase() === 'rel')
    const relations = (rel?.[2] ?? rel?.[3] ?? '').toLowerCase().split(/\s+/)
    if (relations.includes('next')) return parseAddress(target, current) ?? null
  }
  return undefined
}

/** One link with its parameters; a comma inside quotes does not end it. */
const LINK = /<([^>]*)>((?:[^,"]|"(?:[^"\\]|\\.)*")*)/g
const PARAMETER = /;\s*([^\s;,="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,]+))/g

function parseAddress(text: string, base: URL): URL | undefined {
  return URL.canParse(text, base.href) ? new URL(text, base) : undefined
}
