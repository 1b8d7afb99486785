import json
import sys

sent = []
for line in sys.stdin:
    data = json.loads(line)["data"]
    if data.get("type") == "piece":
        sent.append(data["fields"]["piece_index"])
drawing = "".join("+" if piece in sent[:n] else "#" for n, piece in enumerate(sent))
print(drawing)
print(f"{len(sent)} blocks sent, of {len(set(sent))} pieces")
