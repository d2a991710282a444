/**
 * All the script that there is, allowed by its hash; without it everything works, too. Arrow keys go through the
 * worklist while one of its charges has the focus, and a charge's page asks the gateway once it is shown.
 */
export const script = `
const word=document.getElementById("word");
if(word&&word.dataset.from){word.textContent="asking the gateway …";
fetch(word.dataset.from).then((answer)=>answer.ok?answer.text():Promise.reject()).then((text)=>{word.textContent=text},()=>{word.textContent="it could not be asked: load the page again to ask once more"})}
const charges=[...document.querySelectorAll("table.stack th a")];
document.addEventListener("keydown",(event)=>{const at=charges.indexOf(document.activeElement);
if(at<0||event.altKey||event.ctrlKey||event.metaKey)return;
const to={ArrowDown:at+1,j:at+1,ArrowUp:at-1,k:at-1,Home:0,End:charges.length-1}[event.key];
if(charges[to]){charges[to].focus();event.preventDefault()}});
`;
