/** One letter, one connection: the everyday way for a journey to put mail into a box. */
import { messageText } from './messages.ts';
import { dialSmtp, type Dial, type Mail, type Reply } from './smtp-client.ts';

export interface Letter extends Partial<Mail> {
  readonly token: string;
}

/** From ada@sender.example to bob@there.example, unless the letter says otherwise. Gives the last reply. */
export async function post(dial: Dial, letter: Letter): Promise<Reply> {
  const client = await dialSmtp(dial);
  try {
    await client.hello();
    return await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: messageText({ token: letter.token }), ...letter });
  } finally {
    await client.quit();
  }
}
