import threading

import pykka


class Shelf(pykka.ThreadingActor):
    def __init__(self):
        super().__init__()
        self._pieces = 0  # nobody else can touch this

    def put(self, count):
        self._pieces = self._pieces + count

    def pieces(self):
        return self._pieces


shelf = Shelf.start().proxy()


def carry():
    for _ in range(1000):
        shelf.put.defer(1)  # tell: leave a message, and go on


carriers = [threading.Thread(target=carry) for _ in range(3)]
for carrier in carriers:
    carrier.start()
for carrier in carriers:
    carrier.join()
print(shelf.pieces().get(), "pieces")  # ask: leave a message, and wait for the answer
shelf.stop()
