/** nodemailer as programs use it: `nodemailer.mjs PORT MODE MECHANISM FROM TO`, the message's text on standard input. */
import { text } from 'node:stream/consumers';
import { createTransport } from 'nodemailer';

const [port, mode, mechanism, from, to] = process.argv.slice(2);
const transport = createTransport({
  host: '127.0.0.1',
  port: Number(port),
  secure: mode === 'implicit',
  ignoreTLS: mode === 'plain',
  requireTLS: mode === 'starttls',
  tls: { rejectUnauthorized: false },
  ...(mechanism === 'none' ? {} : { authMethod: mechanism, auth: { user: 'ada@posthorn.example', pass: 'secret' } }),
});
const { response } = await transport.sendMail({ envelope: { from, to: [to] }, raw: await text(process.stdin) });
console.log(response);
transport.close();
