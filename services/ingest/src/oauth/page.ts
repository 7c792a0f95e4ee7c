import { hash } from 'node:crypto'
import type { Response } from 'express'

/** A page for a person: what happened and what to do. Texts are plain; they are escaped here. */
export type Page = { status: number; title: string; text: readonly string[]; link?: { href: string; label: string } }

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;color:#1c2733;background:#fff}' +
  'h1{font-size:1.4rem;font-weight:600}a{color:#0b5cad}' +
  '@media(prefers-color-scheme:dark){body{color:#dfe6ee;background:#11161c}a{color:#7db8f5}}'

/** Nothing may be loaded, framed or run; the one style sheet is known by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`

/** Sends the page. It carries nothing but its own text, so it may hold what a stranger put into a link. */
export function sendPage(response: Response, { status, title, text, link }: Page): void {
  const paragraphs = text.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join('')
  const action = link ? `<p><a href="${escaped(link.href)}">${escaped(link.label)}</a></p>` : ''
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>`
  response
    .status(status)
    .set('Content-Security-Policy', POLICY)
    .type('html')
    .send(
      `<!doctype html><html lang="en"><head>${head}<style>${STYLE}</style></head>` +
        `<body><main><h1>${escaped(title)}</h1>${paragraphs}${action}</main></body></html>`,
    )
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
