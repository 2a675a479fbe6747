"""Tests of how exceptions are read and matched: python3 -m unittest discover ci/quality -t ci"""

import json
import unittest
from pathlib import Path

from quality import exceptions, judges
from quality.exceptions import BadExceptions, Finding, Rendering

REASON = "The server has to come up while the registry is away."
DEFAULTS = Rendering("defaults", {"networkPolicy": {"enabled": True}, "limit": ""})
NO_POLICY = Rendering("no policy", {"networkPolicy": {"enabled": False}, "limit": ""})


def entry(**changes):
    """An entry of the file, with changes; one without a value is left out."""
    given = {"checks": ["checkov CKV_1"], "objects": ["StatefulSet F-*"], "reason": REASON, **changes}
    # What JSON writes of text, lists and truths is TOML as well.
    lines = [f"{key} = {value if isinstance(value, Words) else json.dumps(value)}" for key, value in given.items() if value]
    return "[[exception]]\n" + "\n".join(lines) + "\n"


class Words(str):
    """Text that stands in the file as it is."""


def finding(**changes):
    """A finding, with changes."""
    given = {"judge": "checkov", "check": "CKV_1", "kind": "StatefulSet", "name": "F-broker-0-master", "container": "broker"}
    return Finding(**{**given, "text": "The CPU limit is not set", "rendering": DEFAULTS, **changes})


def verdict(text, *findings):
    """What is wrong with these findings under the exceptions of a text."""
    return exceptions.judge(findings, exceptions.read(text))


class Matching(unittest.TestCase):
    """Which findings an exception explains."""

    def test_a_finding_of_its_check_and_its_objects_is_explained(self):
        self.assertTrue(verdict(entry(), finding()).good)

    def test_a_finding_without_an_exception_is_not_good(self):
        found = verdict("", finding(), finding(rendering=NO_POLICY))
        self.assertFalse(found.good)
        self.assertEqual(list(found.unexplained), [finding().title])
        self.assertEqual(found.unexplained[finding().title], [DEFAULTS, NO_POLICY])

    def test_what_differs_in_anything_is_not_explained(self):
        limited = entry(container="broker", says="CPU limit", values=Words('{"networkPolicy.enabled" = true}'))
        self.assertTrue(verdict(limited, finding()).good)
        for change in (
            {"judge": "kube-score"},
            {"check": "CKV_2"},
            {"kind": "Job"},
            {"name": "other"},
            {"container": "owner"},
            {"text": "The memory limit is not set"},
            {"rendering": NO_POLICY},
        ):
            self.assertEqual(list(verdict(limited, finding(), finding(**change)).unexplained), [finding(**change).title], change)

    def test_a_judge_that_names_no_container_may_speak_of_any(self):
        self.assertTrue(verdict(entry(container="owner"), finding(container="")).good)

    def test_a_value_that_is_not_there_is_another_one(self):
        absent = entry(values=Words('{"limit.cpu" = "2"}'))
        self.assertFalse(verdict(absent, finding()).good)


class Unused(unittest.TestCase):
    """What nothing needs is wrong."""

    def test_an_exception_that_matches_nothing_is_not_good(self):
        found = verdict(entry())
        self.assertFalse(found.good)
        self.assertEqual(found.unused, ["exception 1: checkov CKV_1 for StatefulSet F-*"])

    def test_each_check_is_needed_for_each_of_the_objects(self):
        found = verdict(entry(checks=["checkov CKV_1", "checkov CKV_2"], objects=["StatefulSet F-*", "Job F-*"]), finding())
        self.assertFalse(found.good)
        self.assertEqual(len(found.unused), 3)

    def test_of_two_exceptions_alike_the_second_is_not_needed(self):
        self.assertEqual(verdict(entry() + entry(), finding()).unused, ["exception 2: checkov CKV_1 for StatefulSet F-*"])


class Reading(unittest.TestCase):
    """What the file has to have."""

    def test_an_entry_that_is_not_complete_is_refused(self):
        for changes, fault in (
            ({"reason": None}, "no reason"),
            ({"reason": ""}, "no reason"),
            ({"reason": "known"}, "not a full sentence"),
            ({"reason": "It is so for many reasons that are known"}, "not a full sentence"),
            ({"checks": None}, "no checks"),
            ({"checks": ["CKV_1"]}, "`CKV_1` is no check"),
            ({"checks": ["trivy CKV_1"]}, "`trivy CKV_1` is no check"),
            ({"objects": ["StatefulSet"]}, "names no objects"),
            ({"kind": "Job"}, "unknown key `kind`"),
            ({"says": ["one"]}, "`says` is no str"),
            ({"reason": [REASON]}, "`reason` is no str"),
        ):
            with self.assertRaises(BadExceptions, msg=changes) as refused:
                exceptions.read(entry(**changes))
            self.assertIn(fault, str(refused.exception))

    def test_all_faults_are_told_at_once(self):
        with self.assertRaises(BadExceptions) as refused:
            exceptions.read(entry(reason="known") + entry() + entry(objects=None))
        self.assertEqual(len(str(refused.exception).splitlines()), 2)

    def test_the_exceptions_of_the_charts_can_be_read(self):
        self.assertTrue(exceptions.read(Path(__file__).with_name("exceptions.toml").read_text()))


class Answers(unittest.TestCase):
    """What the judges say, in the words that all share."""

    item = judges.Rendered(Path("one.yaml"), "r1-rocketmq", DEFAULTS, 2)

    def test_of_kube_score_what_is_skipped_or_graded_best_is_no_finding(self):
        def test(grade, skipped, comments):
            return {"check": {"id": "probes", "name": "Probes"}, "grade": grade, "skipped": skipped, "comments": comments}

        said = [{"path": "broker", "summary": "No probe"}]
        tests = [test(10, False, said), test(0, True, said), test(5, False, said), test(7, False, None)]
        objects = [{"type_meta": {"kind": "Pod"}, "object_meta": {"name": "r1-rocketmq-check"}, "checks": tests}]
        found = [(one.name, one.container, one.text) for one in judges.scored(self.item, objects)]
        self.assertEqual(found, [("F-check", "broker", "No probe"), ("F-check", "", "Probes")])

    def test_of_checkov_a_resource_may_carry_labels(self):
        record = {"check_id": "CKV2_1", "check_name": "No policy", "file_path": "/one.yaml"}
        record["resource"] = "Pod.shop.r1-rocketmq-broker-0-master.app.kubernetes.io/name-rocketmq"
        summary = {"parsing_errors": 0, "skipped": 0, "resource_count": 2}
        report = {"summary": summary, "results": {"failed_checks": [record]}}
        self.assertEqual([one.name for one in judges.checked([self.item], report)], ["F-broker-0-master"])

    def test_a_checkov_that_has_not_looked_at_everything_is_refused(self):
        for summary in ({"resource_count": 1}, {"parsing_errors": 1}, {"skipped": 1}):
            whole = {"parsing_errors": 0, "skipped": 0, "resource_count": 2, **summary}
            with self.assertRaises(judges.Failed):
                list(judges.checked([self.item], {"summary": whole, "results": {"failed_checks": []}}))


if __name__ == "__main__":
    unittest.main()
