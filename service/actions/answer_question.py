"""Answers the question that a VM waits on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, refuse
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl, StepResult
from service.vsphere.questions import Question
from service.vsphere.vms import VmState, answer

ANSWER = "answer"


class AnswerVm(VmParams):
    """Which VM, and the answer."""

    choice: str = Field(default="", max_length=200, description="The key or label of a choice; a dry run lists them.")


class AnswerQuestion(VmAction[AnswerVm]):
    """Answers exactly the question that the checks read, and no other."""

    name = "answer-question"
    lock = "question"  # the job whose task waits for the answer holds the VM
    summary = "Answer the question that a VM waits on; a dry run shows it and the choices."
    action_class = ActionClass.DISRUPTIVE  # a choice can power the VM off, and an answer cannot be taken back
    label = "Answer {choice} for {target}"
    steps = (CHECK, ANSWER)
    params = AnswerVm

    async def checks(self, context: CheckContext[VmState, AnswerVm]) -> Iterable[Check]:
        """The question and its choices."""
        vm = context.state
        found = [each for each in vm_checks(vm) if each.rule != "question"]
        if vm.question is None:
            return [*found, refuse("no-question", f"{vm.name} does not wait for an answer.")]
        choices = ", ".join(f"{key} ({label})" for key, label in vm.question.choices.items())
        found.append(info("question", f"{vm.name} asks: {vm.question.text} Choices: {choices}."))
        if key_of(vm.question, context.params.choice) is None:
            given = f"there is no choice {context.params.choice!r}" if context.params.choice else "no choice is set"
            found.append(refuse("choice", f"For the question of {vm.name}, {given}. Set choice to one of: {choices}."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, AnswerVm]) -> dict[str, Any]:
        """One call; a question that somebody else has answered meanwhile is no error."""
        vm = context.state
        assert vm.question is not None
        question, key = vm.question, key_of(vm.question, context.params.choice)
        assert key is not None

        async def give() -> StepResult:
            answered = await answer(context.session, vm.moref, question.id, key)
            if not answered:
                return StepResult(detail="The question was already answered.")
            return StepResult(detail=f"Answered {question.choices[key]}. This cannot be undone.")

        await job.step_as(StepResult, ANSWER, give)
        return {"question": question.text, "answer": question.choices[key]}


def key_of(question: Question, choice: str) -> str | None:
    """The key of the choice that `choice` means, by its key or, in upper or lower case, by its label."""
    if choice in question.choices:
        return choice
    fitting = [key for key, label in question.choices.items() if label.lower() == choice.strip().lower()]
    return fitting[0] if len(fitting) == 1 else None


ACTION = AnswerQuestion()
