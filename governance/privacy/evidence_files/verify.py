"""Checks an evidence archive: sums of files, digests of audit entries, and the links between them."""

import csv
import hashlib
import json
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
problems = []
manifest = json.loads((here / "manifest.json").read_text(encoding="utf-8"))

for name, wanted in manifest["sha256"].items():
    found = hashlib.sha256((here / name).read_bytes()).hexdigest() if (here / name).exists() else "missing"
    if found != wanted:
        problems.append(f"{name}: the file is not what was exported")


def link(before: str, sequence: str, digest: str) -> str:
    data = bytes.fromhex(before) + int(sequence).to_bytes(8, "big") + bytes.fromhex(digest)
    return hashlib.sha256(data).hexdigest()


lines = (here / "audit/entries.jsonl").read_bytes().splitlines()
redacted = unsealed = 0
with (here / "audit/proof.csv").open(newline="", encoding="utf-8") as file:
    proof = list(csv.DictReader(file))
if len(proof) != len(lines):
    problems.append("audit/proof.csv does not have one line for each entry")
entries = [json.loads(line) for line in lines]
declared: dict[str, list[list[str]]] = {}
for entry in entries:
    if entry["event"] == "audit_log.redacted":
        for pk, pair in entry["after"]["digests"].items():
            declared.setdefault(pk, []).append(pair)
for said, entry, told in zip(lines, entries, proof, strict=False):
    if not told["sequence"]:
        unsealed += 1
        continue
    if told["link_before"] and link(told["link_before"], told["sequence"], told["digest"]) != told["link"]:
        problems.append(f"entry {entry['id']}: it does not follow the one before it")
    expected = told["digest"]
    for was, now in declared.get(entry["id"], []):
        expected = now if was == expected else "no such digest"
    redacted += entry["id"] in declared
    if hashlib.sha256(bytes.fromhex(told["salt"]) + said).hexdigest() != expected:
        problems.append(f"entry {entry['id']}: it does not say what it said when it was sealed")

chain = here / "audit/chain.csv"
if chain.exists():
    before = ""
    with chain.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if before and link(before, row["sequence"], row["digest"]) != row["link"]:
                problems.append(f"chain, place {row['sequence']}: the link does not fit the one before")
            before = row["link"]
    if manifest["checkpoint"] and not manifest["checkpoint"].endswith(before):
        problems.append("the chain does not lead to the checkpoint in the manifest")

print(
    f"{len(manifest['sha256'])} files, {len(lines)} entries, {redacted} with erased values, {unsealed} not sealed yet."
)
for problem in problems:
    print("PROBLEM:", problem)
print("Not what was exported." if problems else f"OK. Checkpoint: {manifest['checkpoint']}")
sys.exit(1 if problems else 0)
