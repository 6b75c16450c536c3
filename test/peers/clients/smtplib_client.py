"""Python's smtplib as scripts use it: PORT MODE MECHANISM FROM TO, the message on standard input."""
import smtplib
import ssl
import sys

port, mode, mechanism, sender, recipient = sys.argv[1:6]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
client = smtplib.SMTP_SSL("127.0.0.1", int(port), context=context) if mode == "implicit" else smtplib.SMTP("127.0.0.1", int(port))
with client:
    client.ehlo()
    if mode == "starttls":
        client.starttls(context=context)
        client.ehlo()
    if mechanism != "none":
        client.user, client.password = "ada@posthorn.example", "secret"
        name = "auth_" + mechanism.lower().replace("-", "_")
        client.auth(mechanism, getattr(client, name), initial_response_ok=mechanism != "CRAM-MD5")
    refused = client.sendmail(sender, [recipient], sys.stdin.buffer.read())
    assert not refused, refused
