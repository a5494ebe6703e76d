"""Templates come to what kubectl makes of them, and what it refuses is refused: an empty answer would be believed."""

import pytest
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.jsonpath import render

FOUND = {
    "name": "a",
    "stages": [{"name": "pilot", "percentage": 10, "on": True}, {"name": "a && b", "percentage": 100, "is": None}],
    "few": [],
    "figures": [{"value": 0.5}, {"value": 3}],
}

ANSWERED = {
    '{.stages[?(@.name=="a && b")].percentage}': "100",
    "{.stages[?(@.name!='a && b')].percentage}": "10",
    "{.stages[?(@.percentage>9)].name}": "pilot a && b",
    "{.stages[?(@.percentage<=10)].name}": "pilot",
    "{.stages[?(@.percentage>-5)].name}": "pilot a && b",
    "{.stages[?(@.on==true)].name}": "pilot",
    "{.stages[?(@.on)].name}": "pilot",
    "{.stages[?(@.name!=@.nothing)].name}": "",
    "{.stages[?(@.name==@.name)].percentage}": "10 100",
    "{.stages[-1].percentage}": "100",
    "{.stages[-2:].percentage}": "10 100",
    "{.stages[:-1].percentage}": "10",
    "{.stages[1:1].percentage}": "",
    "{.stages[:0].percentage}": "",
    "{.stages[::2].percentage}": "10",
    "{.stages[0, 1].percentage}": "10 100",
    "{.stages[0]['name','percentage']}": "pilot 10",
    "{.few[*].name}{.few[?(@.a==1)]}": "",
    "{.nothing[5]}{.nothing[?(@.a==1)]}": "",
    "{.stages[1].is[0]}": "",
    "{range .stages[*]}{.percentage},{end}": "10,100,",
}


@pytest.mark.parametrize(("template", "expected"), ANSWERED.items(), ids=ANSWERED.keys())
def test_what_kubectl_answers(template: str, expected: str) -> None:
    assert render(template, FOUND) == expected


REFUSED = {
    '{.stages[?(@.percentage>10 && @.name=="pilot")].name}': "has && or ||, which kubectl's filters have not",
    '{.stages[?(@.name!="x" && @.name!="y")].name}': "has && or ||",
    '{.stages[?(@.name=="pilot" || @.name=="x")].name}': "has && or ||",
    "{.few[?(@.name || @.other)].name}": "has && or ||",
    "{.stages[5].name}": "array index out of bounds: index 5, length 2",
    "{.stages[-3].name}": "array index out of bounds: index -1, length 2",
    "{.stages[0:5].name}": "array index out of bounds: index 4, length 2",
    "{.stages[0, 5].name}": "array index out of bounds: index 5, length 2",
    "{.few[0]}": "array index out of bounds: index 0, length 0",
    "{.stages[1:0].name}": "[1:0] begins behind its end",
    "{range .stages[7:]}{.name}{end}": "array index out of bounds: index 7, length 2",
    "{.name[0]}": "a place is asked of what is no list",
    "{.stages[0][*]}": "a place is asked of what is no list",
    "{.stages[0][?(@.name)]}": "a filter is asked of what is no list",
    '{.stages[?(@.percentage=="10")].name}': "a number can't be compared by == with text",
    '{.stages[?(@.percentage!="10")].name}': "a number can't be compared by != with text",
    '{.stages[?(@.percentage>"a")].name}': "a number can't be compared by > with text",
    "{.stages[?(@.on>false)].name}": "true or false can't be compared by > with true or false",
    "{.stages[?(@.on==1)].name}": "true or false can't be compared by == with a number",
    "{.stages[?(@==5)].name}": "null, an object or a list can't be compared by == with a number",
    "{.stages[?(@.*==10)].name}": "compares several values with one",
    "{.few[?(@.name==pilot)].name}": "pilot is nothing to compare with: write text in quotes",
    "{.few[?(@.name==null)].name}": "null is nothing to compare with",
    "{.few[?(@.percentage===10)].name}": "=10 is nothing to compare with",
    "{.few[?(@.percentage=10)].name}": "is no filter that is known",
    "{.few['a' 'b']}": "is no place in a list",
    "{.few[]}": "is no place in a list",
}


@pytest.mark.parametrize(("template", "said"), REFUSED.items(), ids=REFUSED.keys())
def test_what_kubectl_refuses(template: str, said: str) -> None:
    with pytest.raises(CommandError) as told:
        render(template, FOUND)
    assert said in str(told.value)
    assert told.value.code == ExitCode.WRONG_USAGE


def test_numbers_are_compared_whether_whole_or_not() -> None:
    assert render("{.figures[?(@.value<1)].value}", FOUND) == "0.5"
    assert render("{.stages[?(@.percentage<10.5)].name}", FOUND) == "pilot"
    assert render(f"{{.stages[?(@.percentage<{'9' * 5000})].percentage}}", FOUND) == "10 100"
