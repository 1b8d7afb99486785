import json
import sys

expected = 0
for line in sys.stdin:
    data = json.loads(line)["data"]
    if "offset" in data:
        gap = "" if data["offset"] == expected else "   <- bytes are missing!"
        print(f"{data['offset']:6} {data['length']:6}  {data['type']}{gap}")
        expected = data["offset"] + data["length"]
