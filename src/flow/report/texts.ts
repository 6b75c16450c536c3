/**
 * What people read. An operator may replace each text; `[#ME#]`, `[#FROMTIME#]` and `[#FROMMTA#]` are filled in,
 * as in Courier's templates of the same purpose (dsnheader.txt and its sisters).
 */
export interface ReportTexts {
  readonly subjectNotice: string;
  readonly subjectWarning: string;
  readonly header: string;
  readonly delivered: string;
  readonly relayed: string;
  readonly failed: string;
  readonly delayed: string;
  readonly footer: string;
}

export const ownTexts: ReportTexts = {
  subjectNotice: 'Delivery status of your message',
  subjectWarning: 'Your message is delayed',
  header: `This is a report from the mail gateway at [#ME#].

It is about the message that we accepted
  on   [#FROMTIME#]
  from [#FROMMTA#]`,
  delivered: 'Delivered, as you asked to be told, to:',
  relayed: `Handed on to a system that sends no such reports. You asked to be told of
success; nothing more will be heard from here about:`,
  failed: 'NOT delivered, and not tried again, to:',
  delayed: `Not delivered yet. You need not send your message again: we go on trying
until [#RETRYUNTIL#]. So far without success to:`,
  footer: 'The rest of this report is for machines, followed by what you sent.',
};

export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\[#([A-Z]+)#\]/g, (whole, name: string) => values[name] ?? whole);
}
