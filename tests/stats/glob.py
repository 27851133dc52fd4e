"""Patterns: Husk's against Python's fnmatch, on random ones of few characters.

usage: glob.py STATS_TELL ROUNDS [SEED]"""
import fnmatch
import random
import sys

from tell import Tell, check

LETTERS = "ab*?[]!-^\\é.\U0001F600"


def main():
    tell, rounds = Tell(sys.argv[1]), int(sys.argv[2]) * 200
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for _ in range(rounds):
        pattern = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 10)))
        letters = "ab" if rng.random() < 0.5 else LETTERS.replace("*", "\n")
        text = "".join(rng.choice(letters) for _ in range(rng.randint(0, 8)))
        check("%r for %r" % (pattern, text), tell.ask("glob", 0, pattern, text)[0][0],
              str(int(fnmatch.fnmatchcase(text, pattern))))
    # What would take for ever if every star were tried anew.
    check("many stars", tell.ask("glob", 0, "*a" * 500 + "b", "a" * 20000)[0][0], "0")
    # Bytes that are no text: one character each.
    check("no text", tell.ask("glob", 0, "?\udcff?", "a\udcff\udcc3")[0][0], "1")
    tell.close()
    print("%d patterns" % rounds)


main()
