/**
 * Mail to fax machines. Takes a delivery whose recipient is a fax address; makes the message into pages (a cover page,
 * then its parts in order: text, HTML, PDF, PostScript, pictures, and what the site has filters for), and sends them
 * through a FaxLine, one call a recipient. 'delivered' means that the far side confirmed each page (T.30: MCF, RTP or
 * PIP). What was confirmed is kept from call to call, so that no page is sent twice that need not be.
 * Strangers' documents are read by programs with limits, never by a shell, and nothing a stranger wrote names a file.
 */
export { openFaxTransport, type CallPlan, type Dialled, type FaxTransport, type FaxTransportOptions } from './fax-transport.ts';
export { createPageMaker, type Made, type PageMaker, type PagePlan, type PageRequest } from './page-maker.ts';
export { createProof, type Proof } from './proof.ts';
