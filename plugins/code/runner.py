# SPDX-License-Identifier: Apache-2.0
# Calls the code of a node: see runners.h. What is rarely needed is imported late, to start fast.
import json, math, os, sys
result = os.fdopen(os.dup(3), "w", encoding="utf-8", errors="surrogatepass")
os.close(3)
given = json.load(sys.stdin.buffer)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
code, inputs = given["code"], given["inputs"]

def tell(answer):
    sys.stdout.flush()
    result.write(answer)
    result.close()

def refuse(kind, message, line=None, trace="", error=None):
    answer = {"error": kind, "message": message, "line": line, "trace": trace}
    if isinstance(error, OSError) and isinstance(error.errno, int):
        answer["errno"] = error.errno
    if isinstance(error, Failure):
        answer["failure"] = error.said
    tell(json.dumps(answer, default=str))
    sys.exit(1)

def find_unfit(value, path, depth):
    if depth > 60:
        return "is nested too deeply", path
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, (str, int, float, bool, type(None))):
                return "has a key of type " + type(key).__name__, path
            found = find_unfit(item, path + "/" + str(key), depth + 1)
            if found:
                return found
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            found = find_unfit(item, path + "/" + str(i), depth + 1)
            if found:
                return found
    elif isinstance(value, float):
        if not math.isfinite(value):
            return "is " + repr(value), path
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "has half a surrogate pair", path
    elif not isinstance(value, (int, type(None))):
        return "is of type " + type(value).__name__, path
    return None

def arguments(process):
    import inspect
    parameters = inspect.signature(process).parameters.values()
    names, needed, takes_all = [], [], False
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            takes_all = True
        elif p.kind is p.POSITIONAL_ONLY:
            refuse("TypeError", "process() may not have parameters that take no name")
        elif p.kind is not p.VAR_POSITIONAL:
            names.append(p.name)
            if p.default is p.empty:
                needed.append(p.name)
    if len(needed) == 1 and needed[0] not in inputs and not any(n in inputs for n in names):
        return {needed[0]: inputs}
    missing = [n for n in needed if n not in inputs]
    if missing:
        refuse("TypeError", "process() takes '%s', which input_mapping does not give" % missing[0])
    extra = [n for n in inputs if n not in names]
    if extra and not takes_all:
        refuse("TypeError", "input_mapping gives '%s', which process() does not take" % extra[0])
    return inputs

def line_of(error):
    if isinstance(error, SyntaxError) and error.filename == "code":
        return error.lineno
    line, at = None, error.__traceback__
    while at:
        if at.tb_frame.f_code.co_filename == "code":
            line = at.tb_lineno
        at = at.tb_next
    return line

def trace_of(error):
    import linecache, traceback
    linecache.cache["code"] = (len(code), None, code.splitlines(True), "code")
    lines = traceback.format_exception(error)
    return "".join(l for l in lines if 'File "<string>"' not in l)

class Failure(Exception):
    pass

def fail(message, code=None, retry=None, retry_after=None, effect=None):
    error = Failure(str(message))
    said = {"message": str(message), "code": code, "retry": retry, "retry_after": retry_after, "effect": effect}
    error.said = {key: value for key, value in said.items() if value is not None}
    raise error

def call():
    scope = {"__name__": "__main__", "inputs": inputs, "fail": fail}
    exec(compile(code, "code", "exec"), scope)
    process = scope.get("process")
    if not callable(process):
        return False, None
    value = process(**arguments(process))
    if hasattr(value, "__await__"):
        import asyncio
        async def wait():
            return await value
        value = asyncio.run(wait())
    return True, value

try:
    has_value, value = call()
except SystemExit as end:
    if end.code not in (None, 0):
        raise
    has_value, value = False, None
except BaseException as error:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    trace = trace_of(error)
    sys.stdout.flush()
    if not isinstance(error, Failure):
        sys.stderr.write(trace)
    refuse(type(error).__name__, message, line_of(error), trace, error)
if not has_value:
    tell(json.dumps({"none": True}))
else:
    unfit = find_unfit(value, "", 0)
    if unfit:
        refuse("result", "the result %s%s, which JSON cannot hold"
               % (unfit[0], " at '" + unfit[1] + "'" if unfit[1] else ""))
    tell(json.dumps({"value": value}, ensure_ascii=False, allow_nan=False))
