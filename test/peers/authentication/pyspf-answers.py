# Reads questions as JSON lines, answers each by pyspf on the zone that comes with it. A name server is not asked.
import json, socket, sys
import spf

zone = {}

def lookup(name, qtype, strict=True, timeout=None, level=0):
    rows = zone.get((qtype + ' ' + name.rstrip('.')).lower())
    if rows == 'unavailable':
        raise spf.TempError('DNS timeout')
    for row in rows or []:
        if qtype == 'TXT':
            row = (row.encode(),)
        elif qtype == 'MX':
            row = (row['preference'], row['exchange'])
        elif qtype == 'AAAA':
            row = socket.inet_pton(socket.AF_INET6, row)
        yield ((name, qtype), row)

spf.DNSLookup = lookup
for line in sys.stdin:
    one = json.loads(line)
    zone.clear()
    zone.update(one['zone'])
    result = spf.query(i=one['ip'], s=one['sender'], h=one['helo'], strict=1, timeout=0).check()
    print(result[0], flush=True)
