// SPDX-License-Identifier: GPL-2.0-or-later
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const { execFileSync } = require("child_process");
const fs = require("fs");
const square = require("sampled");

if (isMainThread) {
  const counts = [1, 2, 3, 4].map(
    (n) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: n });
        worker.on("message", resolve);
        worker.on("error", reject);
      }),
  );
  Promise.all(counts).then((results) => {
    console.log(results.join(" "));
    console.log(execFileSync("echo", ["from a child"]).toString().trim());
  });
} else {
  fs.writeFileSync(`worker${workerData}`, `${square(workerData)}\n`);
  parentPort.postMessage(fs.readFileSync(`worker${workerData}`, "utf8").trim());
}
