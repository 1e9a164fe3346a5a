import { useAuth } from './useAuth';

export function App() {
  const { profile, problem, signIn, signOut } = useAuth();
  return (
    <main>
      <h1>Our application</h1>
      <p role="status">{problem ?? (profile ? `Welcome ${profile.name}.` : 'Nobody is signed in.')}</p>
      {profile ? (
        <button type="button" onClick={signOut}>Sign out</button>
      ) : (
        <button type="button" onClick={signIn}>Sign in</button>
      )}
    </main>
  );
}
