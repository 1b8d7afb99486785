import json
import sys

had, played, drawing = set(), 0, []
for line in sys.stdin:
    had.add(json.loads(line)["data"]["piece"])
    while played in had:
        played += 1
    drawing.append(played)
print(" ".join(map(str, drawing)))
