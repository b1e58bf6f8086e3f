export async function checkBudgets(root, seconds) { console.log("build took", seconds.toFixed(1)); }
