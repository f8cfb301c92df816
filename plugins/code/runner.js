/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the code of a node: see runners.h. */
'use strict';
const fs = require('fs');
const vm = require('vm');
const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const inputs = given.inputs;
const none = {};
let isTold = false;
function tell(answer) {
  if (isTold) return;
  isTold = true;
  const bytes = Buffer.from(JSON.stringify(answer));
  for (let at = 0; at < bytes.length;) at += fs.writeSync(3, bytes, at);
  fs.closeSync(3);
}
class Failure extends Error {}
globalThis.fail = function (message, {code, retry, retry_after, retryAfter = retry_after, effect} = {}) {
  const error = new Failure(String(message));
  error.said = {message: error.message, code, retry, retry_after: retryAfter, effect};
  throw error;
};
function refuse(kind, message, line, trace, error) {
  const number = error && Number.isInteger(error.errno) ? Math.abs(error.errno) : undefined;
  tell({error: kind, message, line: line === undefined ? null : line, trace: trace || '', errno: number,
        failure: error instanceof Failure ? error.said : undefined});
  process.exitCode = 1;
}
function stop(error) {
  const isError = error instanceof Error || (error && typeof error.stack === 'string');
  const stack = isError ? String(error.stack) : '';
  const place = /(?:^|\(|\s)code:(\d+)/m.exec(stack);
  const kept = stack.split('\n').filter((l) => !/\[eval\]|node:|^\s+at new Script/.test(l)).join('\n');
  if (!(error instanceof Failure)) fs.writeSync(2, (kept || String(error)) + '\n');
  refuse(isError ? error.name || 'Error' : 'thrown', isError ? String(error.message) : String(error),
         place ? Number(place[1]) : null, kept,
         isError ? error : null);
  process.exit(1);
}
function findUnfit(value, path, depth) {
  if (depth > 60) return ['is nested too deeply', path];
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    return ['is of type ' + typeof value, path];
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return ['is ' + value, path];
  if (value instanceof Map || value instanceof Set) return ['is a ' + value.constructor.name, path];
  if (value === null || typeof value !== 'object') return null;
  if (typeof value.toJSON === 'function') return null;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined && !Array.isArray(value)) continue;
    const found = findUnfit(item, path + '/' + key, depth + 1);
    if (found) return found;
  }
  return null;
}
function parametersOf(f) {
  const text = Function.prototype.toString.call(f).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  const single = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(text);
  if (single) return [single[1]];
  const list = [''];
  let depth = 0;
  for (let i = text.indexOf('('); i >= 0 && i < text.length; i++) {
    const c = text[i];
    if (c === '\'' || c === '"' || c === '`') {
      for (let q = i++; i < text.length && text[i] !== text[q]; i++) if (text[i] === '\\') i++;
      continue;
    }
    if ('([{'.includes(c) && ++depth === 1) continue;
    if (')]}'.includes(c) && --depth === 0) break;
    if (c === ',' && depth === 1) list.push('');
    else list[list.length - 1] += c;
  }
  return list.map((p) => p.trim()).filter((p) => p !== '');
}
function argumentsFor(f) {
  const parameters = parametersOf(f).map((p) => ({
    name: (/^[A-Za-z_$][\w$]*/.exec(p) || [null])[0], isOptional: /^[\w$]+\s*=/.test(p)}));
  const names = parameters.map((p) => p.name);
  const keys = Object.keys(inputs);
  if (parameters.length === 1 && !keys.includes(names[0])) return [inputs];
  const missing = parameters.find((p) => !p.isOptional && !keys.includes(p.name));
  if (missing) {
    throw new TypeError(`process() takes '${missing.name || '{...}'}', which input_mapping does not give`);
  }
  const extra = keys.find((k) => !names.includes(k));
  if (extra !== undefined) {
    throw new TypeError(`input_mapping gives '${extra}', which process() does not take`);
  }
  return names.map((n) => inputs[n]);
}
async function run() {
  const head = '(async function (inputs, require, none) {';
  const tail = '\n;return typeof process === "function" ? [none, process] : none;\n})';
  const script = new vm.Script(head + given.code + tail, {filename: 'code', columnOffset: -head.length});
  const made = await script.runInThisContext()(inputs, require, none);
  if (made === none) return tell({none: true});
  const isProcess = Array.isArray(made) && made[0] === none;
  const f = isProcess ? made[1] : null;
  const value = isProcess ? await f(...argumentsFor(f)) : made;
  const unfit = findUnfit(value, '', 0);
  if (unfit) {
    const where = unfit[1] ? ` at '${unfit[1]}'` : '';
    return refuse('result', `the result ${unfit[0]}${where}, which JSON cannot hold`);
  }
  tell({value: value === undefined ? null : value});
}
process.on('uncaughtException', stop);
process.on('unhandledRejection', stop);
run().catch(stop);
